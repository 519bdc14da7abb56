#!/usr/bin/env node
/** mda as a process: see README.md. */
import { run } from '@waybill/daemon';
import { MdaSettings } from './config.ts';
import { start } from './start.ts';

await run({ name: 'mda', settings: MdaSettings, start });
