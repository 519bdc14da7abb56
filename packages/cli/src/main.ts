#!/usr/bin/env node
/** The `waybill` command: stdout is data, stderr is talk. */
import module from 'node:module';

// Compiled code is kept for the next run: a tool that is typed often should answer at once.
module.enableCompileCache();
const { tool } = await import('./tool.ts');
process.exitCode = await tool(process.argv.slice(2));
