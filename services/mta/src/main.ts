#!/usr/bin/env node
/** mta as a process: see README.md. */
import { run } from '@waybill/daemon';
import { MtaSettings } from './config.ts';
import { start } from './start.ts';

await run({ name: 'mta', settings: MtaSettings, start });
