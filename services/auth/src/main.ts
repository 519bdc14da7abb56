#!/usr/bin/env node
/** auth as a process: see README.md. */
import { run } from '@waybill/daemon';
import { AuthSettings } from './config.ts';
import { start } from './start.ts';

await run({ name: 'auth', settings: AuthSettings, start });
