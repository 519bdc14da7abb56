import fs from 'node:fs';
import path from 'node:path';

/**
 * Loads everything that the image can run, once, while it is built: Node then keeps the compiled
 * code (NODE_COMPILE_CACHE). An agent without settings loads all its parts, names what is missing,
 * and goes no further. Ends with 1 when anything cannot be loaded.
 */
const root = path.join(import.meta.dirname, '..');
/** The lab, which the image does not have, is behind `start`. */
const WITHOUT = new Set(['start.ts']);

await import('../packages/cli/src/tool.ts');
const commands = path.join(root, 'packages/cli/src/commands');
for (const file of fs.readdirSync(commands)) {
  if (!WITHOUT.has(file)) await import(path.join(commands, file));
}
await import('../packages/cli/src/migrations.ts');
await import('../packages/cli/src/secrets/make-secrets.ts');
for (const agent of fs.readdirSync(path.join(root, 'services')))
  await import(path.join(root, 'services', agent, 'src/main.ts'));
process.exit(process.exitCode === 2 ? 0 : 1);
