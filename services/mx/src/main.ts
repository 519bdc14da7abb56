#!/usr/bin/env node
/** mx as a process: see README.md. */
import { run } from '@waybill/daemon';
import { MxSettings } from './config.ts';
import { start } from './start.ts';

await run({ name: 'mx', settings: MxSettings, start });
