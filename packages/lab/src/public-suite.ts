import fs from 'node:fs';
import path from 'node:path';

/** Where public test suites lie: beside the repository, or where WAYBILL_TEST_SUITES says. They are read, never copied. */
const FOLDER =
  process.env['WAYBILL_TEST_SUITES'] ?? path.resolve(import.meta.dirname, '../../../../shared/suites');

/** The file's text; without it one line that names what was not found, and undefined. */
export function readSuite(file: string): string | undefined {
  const full = path.join(FOLDER, file);
  if (fs.existsSync(full)) return fs.readFileSync(full, 'utf8');
  console.log(`NOT FOUND: ${full} (set WAYBILL_TEST_SUITES to the folder of suites); its cases did not run`);
  return undefined;
}
