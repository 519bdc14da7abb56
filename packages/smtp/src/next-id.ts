import type { Reply } from './reply.ts';

/** The id that the next hop gave the message, where it says so as our own agents (and many others) do. */
export function nextIdOf(answer: Reply): string | undefined {
  const text = answer.lines.join(' ');
  const at = text.indexOf('queued as ');
  if (at === -1) return undefined;
  const rest = text.slice(at + 10, at + 10 + 64);
  let end = 0;
  while (end < rest.length && isIdCharacter(rest.charCodeAt(end))) end++;
  return end === 0 ? undefined : rest.slice(0, end);
}

function isIdCharacter(c: number): boolean {
  return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 45 || c === 95;
}
