import { run } from '@waybill/daemon';
import { MraSettings } from './config.ts';
import { start } from './start.ts';

/** mra: lets the reader read and organise the mail. Settings: README.md. */
await run({ name: 'mra', settings: MraSettings, start });
