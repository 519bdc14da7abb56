/** Numbers on the way out: UID sets of RFC 4315 and the numbers of SEARCH. */

/** Numbers in the order given as a uid-set, neighbours joined: [1, 2, 3, 5] is "1:3,5". RFC 4315 §3. */
export function compactNumbers(numbers: readonly number[]): string {
  let set = '';
  for (let at = 0; at < numbers.length;) {
    const low = numbers[at]!;
    let high = low;
    at += 1;
    while (at < numbers.length && numbers[at] === high + 1) {
      high += 1;
      at += 1;
    }
    set += (set === '' ? '' : ',') + (high > low ? `${low}:${high}` : `${low}`);
  }
  return set;
}

/** `* SEARCH 2 84 882`: without numbers when nothing was found. RFC 3501 §7.2.5. */
export function searchLine(numbers: readonly number[]): string {
  return numbers.length === 0 ? '* SEARCH\r\n' : `* SEARCH ${numbers.join(' ')}\r\n`;
}
