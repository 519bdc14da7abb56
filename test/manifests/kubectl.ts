import { findKubectl } from '../../scripts/kubectl-from-debian.ts';

/** First line of a test file: without a kubectl that renders components it says so, and registers no test. */
export function needsKubectl(file: string): void {
  const found = findKubectl();
  if ('missing' in found) {
    console.log(`NOT FOUND: ${found.missing}; ${file} did not run`);
    process.exit(0);
  }
  if (found.folder !== undefined) process.env['PATH'] = `${found.folder}:${process.env['PATH']}`;
}
