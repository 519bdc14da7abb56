/** `section` and `partial` of RFC 3501 §9: which octets of a message BODY[…] asks for. */
import type { Section } from '../command.ts';
import { DIGIT, ITEM_NAME, isOctet, OCTET } from '../octet-class.ts';
import type { Scanner } from '../scanner.ts';
import { nonZeroNumber, number } from './number.ts';
import { astringOctets } from './string.ts';

/** Deeper part numbers than any message's structure is indexed to. */
const MAX_PATH = 100;
/** Octets that a header field's name is printed in: RFC 5322 §3.6.8 ftext, and the space of sloppy clients. */
const FIELD_WANTED = 'a header field name';

/** "[" … "]". */
export function section(scanner: Scanner): Section {
  scanner.expectOctet(OCTET.openBracket);
  const path: number[] = [];
  let text: Section['text'] = null;
  let fields: readonly string[] = [];
  if (scanner.peek() !== OCTET.closeBracket) {
    if (isOctet(scanner.peek(), DIGIT)) {
      do {
        path.push(nonZeroNumber(scanner, 'a part number'));
        if (path.length > MAX_PATH) scanner.fail(`at most ${MAX_PATH} part numbers`);
      } while (scanner.tryOctet(OCTET.dot) && isOctet(scanner.peek(), DIGIT));
    }
    // Behind part numbers a text specifier follows only a dot.
    const dotted = path.length > 0 && scanner.text[scanner.offset - 1] === OCTET.dot;
    if (path.length === 0 || dotted) text = textSpecifier(scanner, path.length > 0);
    if (text === 'HEADER.FIELDS' || text === 'HEADER.FIELDS.NOT') {
      scanner.expectSpace();
      fields = headerList(scanner);
    }
  }
  scanner.expectOctet(OCTET.closeBracket);
  return { path, text, fields };
}

/** "<" offset "." length ">", null when none stands here. */
export function partial(scanner: Scanner): readonly [offset: number, length: number] | null {
  if (!scanner.tryOctet(OCTET.less)) return null;
  const offset = number(scanner, 'the offset of a partial fetch');
  scanner.expectOctet(OCTET.dot);
  const length = nonZeroNumber(scanner, 'the length of a partial fetch');
  scanner.expectOctet(OCTET.greater);
  return [offset, length];
}

function textSpecifier(scanner: Scanner, ofPart: boolean): NonNullable<Section['text']> {
  const start = scanner.offset;
  const name = scanner.takeRun(ITEM_NAME).toUpperCase();
  switch (name) {
    case 'HEADER':
    case 'HEADER.FIELDS':
    case 'HEADER.FIELDS.NOT':
    case 'TEXT':
      return name;
    case 'MIME':
      // RFC 3501 §6.4.5: MIME only behind a part number.
      if (ofPart) return name;
      break;
  }
  return scanner.fail(ofPart ? 'HEADER, TEXT or MIME' : 'a part number, HEADER or TEXT', start);
}

function headerList(scanner: Scanner): readonly string[] {
  const fields: string[] = [];
  scanner.expectOctet(OCTET.open, 'a list of header field names');
  do {
    const start = scanner.offset;
    const octets = astringOctets(scanner, FIELD_WANTED);
    // The name is repeated in the answer: it must be one that quotes can carry.
    if (octets.length === 0 || !octets.every((octet) => octet >= 0x20 && octet < 0x7f)) {
      scanner.fail(FIELD_WANTED, start);
    }
    fields.push(octets.toString('latin1'));
  } while (scanner.tryOctet(OCTET.space));
  scanner.expectOctet(OCTET.close);
  return fields;
}
