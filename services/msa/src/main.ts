#!/usr/bin/env node
/** msa as a process: see README.md. */
import { run } from '@waybill/daemon';
import { MsaSettings } from './config.ts';
import { start } from './start.ts';

await run({ name: 'msa', settings: MsaSettings, start });
