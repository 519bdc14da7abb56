/**
 * Address lists of header fields as values (RFC 5322 §3.4, obsolete forms of §4.4 included).
 * One pass, linear, never throws: what is no address comes out as a mailbox without a domain.
 */

/** At most this many addresses of one field are read. */
export const ADDRESSES = 1000;

export interface Address {
  /** Display name without quoting, encoded words as written; a trailing comment where there is none. */
  readonly name: string | null;
  /** Obsolete source route, `@a,@b`, RFC 5322 §4.4. */
  readonly route: string | null;
  /** Without quoting; '' where the address has none. */
  readonly local: string;
  /** As written, `[…]` for a literal; null where the address has none. */
  readonly domain: string | null;
}

export interface Group {
  readonly group: string;
  readonly members: readonly Address[];
}

/** Reads an unfolded field value. Characters above U+007F count as letters (RFC 6532 §3.2). */
export function parseAddressList(value: string): (Address | Group)[] {
  return new AddressReader(value).read();
}

/** Every mailbox of a list, groups flattened. */
export function mailboxes(list: readonly (Address | Group)[]): Address[] {
  return list.flatMap((item) => ('group' in item ? item.members : [item]));
}

/** `local@domain` with the local part as it was before quoting; '' where the domain is missing. */
export function addressText(address: Address): string {
  return address.domain === null ? '' : `${address.local}@${address.domain}`;
}

class AddressReader {
  readonly #text: string;
  #at = 0;
  #count = 0;
  readonly #list: (Address | Group)[] = [];
  #members: Address[] | null = null;
  /** The words since the last delimiter: with their white space, and without. */
  #phrase = '';
  #spaced = false;
  #tight = '';
  #comment: string | null = null;
  #route: string | null = null;
  /** Once '@' or '<' was seen: the address so far. */
  #local: string | null = null;
  #domain: string | null = null;
  #name: string | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  read(): (Address | Group)[] {
    while (this.#at < this.#text.length && this.#count < ADDRESSES)
      this.#step(this.#text.charCodeAt(this.#at));
    this.#flush();
    return this.#list;
  }

  #step(code: number): void {
    switch (code) {
      case 0x20:
      case 0x09:
      case 0x0d:
      case 0x0a:
        this.#at++;
        this.#spaced = true;
        return;
      case 0x28: // (
        this.#comment = this.#readComment();
        this.#spaced = true;
        return;
      case 0x22: // "
        this.#word(this.#readQuoted());
        return;
      case 0x2c: // ,
        this.#at++;
        this.#flush();
        return;
      case 0x3a: // :
        this.#at++;
        this.#openGroup();
        return;
      case 0x3b: // ;
        this.#at++;
        this.#flush();
        this.#members = null;
        return;
      case 0x3c: // <
        this.#at++;
        if (this.#local !== null) this.#flush();
        this.#angle();
        return;
      case 0x3e: // >
        this.#at++;
        return;
      case 0x40: // @
        this.#at++;
        if (this.#local !== null) {
          // A second address without a comma: both are told, none is hidden.
          const [phrase, tight] = [this.#phrase, this.#tight];
          this.#phrase = '';
          this.#tight = '';
          this.#flush();
          this.#phrase = phrase;
          this.#tight = tight;
        }
        this.#local = this.#tight;
        this.#domain = this.#readDomain();
        this.#phrase = '';
        this.#tight = '';
        return;
      default:
        this.#word(this.#readAtom());
    }
  }

  #word(text: string): void {
    if (this.#spaced && this.#phrase !== '') this.#phrase += ' ';
    this.#spaced = false;
    this.#phrase += text;
    this.#tight += text;
  }

  #openGroup(): void {
    if (this.#members !== null) {
      // RFC 5322 has no group inside a group: the colon is a character like any other.
      this.#word(':');
      return;
    }
    if (this.#local !== null) this.#flush();
    const members: Address[] = [];
    this.#list.push({ group: this.#phrase, members });
    this.#count++;
    this.#members = members;
    this.#forget();
  }

  /** `<route:local@domain>` behind an optional phrase (RFC 5322 §3.4, §4.4). */
  #angle(): void {
    this.#name = this.#phrase === '' ? null : this.#phrase;
    this.#phrase = '';
    this.#tight = '';
    this.#local = '';
    this.#domain = null;
    let local = '';
    let routed = false;
    while (this.#at < this.#text.length) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x3e) {
        this.#at++;
        break;
      }
      if (code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a) this.#at++;
      else if (code === 0x28) this.#comment = this.#readComment();
      else if (code === 0x22) local += this.#readQuoted();
      else if (code === 0x40) {
        this.#at++;
        const domain = this.#readDomain();
        if (local === '' && !routed && this.#domain === null) {
          this.#route = this.#route === null ? `@${domain}` : `${this.#route},@${domain}`;
        } else this.#domain = this.#domain === null ? domain : `${this.#domain}@${domain}`;
      } else if (code === 0x2c && local === '' && this.#route !== null) this.#at++;
      else if (code === 0x3a && this.#route !== null && !routed) {
        this.#at++;
        routed = true;
      } else if (code === 0x2c || code === 0x3a || code === 0x3b || code === 0x3c) {
        local += this.#text[this.#at] ?? '';
        this.#at++;
      } else local += this.#readAtom();
    }
    if (this.#route !== null && !routed && local === '') {
      // `<@example.org>`: not a route but an address without local part.
      this.#domain = this.#route.slice(this.#route.lastIndexOf('@') + 1);
      this.#route = null;
    }
    this.#local = local;
  }

  /** Ends the address that was being read, if there was anything. */
  #flush(): void {
    const bare = this.#local === null;
    if (bare && this.#phrase === '') {
      this.#forget();
      return;
    }
    const address: Address = bare
      ? { name: null, route: null, local: this.#phrase, domain: null }
      : {
          name: this.#name ?? this.#comment,
          route: this.#route,
          local: this.#local ?? '',
          domain: this.#domain,
        };
    const empty = address.local === '' && address.domain === null && address.name === null;
    if (!empty) {
      (this.#members ?? this.#list).push(address);
      this.#count++;
    }
    this.#forget();
  }

  #forget(): void {
    this.#phrase = '';
    this.#tight = '';
    this.#spaced = false;
    this.#comment = null;
    this.#route = null;
    this.#local = null;
    this.#domain = null;
    this.#name = null;
  }

  #readAtom(): string {
    const start = this.#at;
    do this.#at++;
    while (this.#at < this.#text.length && !isDelimiter(this.#text.charCodeAt(this.#at)));
    return this.#text.slice(start, this.#at);
  }

  /** A quoted string's content; an unclosed one ends with the field (RFC 5322 §3.2.4). */
  #readQuoted(): string {
    return this.#delimited(0x22, 0);
  }

  /** A comment's content, inner comments included (RFC 5322 §3.2.2). */
  #readComment(): string {
    return this.#delimited(0x29, 0x28).trim();
  }

  #delimited(close: number, open: number): string {
    let text = '';
    let depth = 1;
    let from = ++this.#at;
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x5c && this.#at + 1 < this.#text.length) {
        text += this.#text.slice(from, this.#at);
        from = ++this.#at;
      } else if (code === open) depth++;
      else if (code === close && --depth === 0) {
        text += this.#text.slice(from, this.#at);
        this.#at++;
        return text;
      }
    }
    return text + this.#text.slice(from);
  }

  /** Behind '@': dot-atom or literal, white space and comments inside dropped (RFC 5322 §4.4). */
  #readDomain(): string {
    let domain = '';
    let dotted = true;
    while (this.#at < this.#text.length) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a) this.#at++;
      else if (code === 0x28) this.#comment = this.#readComment();
      else if (code === 0x5b && dotted) {
        const close = this.#text.indexOf(']', this.#at);
        const stop = close === -1 ? this.#text.length : close + 1;
        domain += this.#text.slice(this.#at, stop);
        this.#at = stop;
        dotted = false;
      } else if (code === 0x2e) {
        domain += '.';
        dotted = true;
        this.#at++;
      } else if (dotted && !isDelimiter(code)) {
        const atom = this.#readAtom();
        domain += atom;
        dotted = atom.endsWith('.');
      } else break;
    }
    return domain;
  }
}

function isDelimiter(code: number): boolean {
  switch (code) {
    case 0x20:
    case 0x09:
    case 0x0d:
    case 0x0a:
    case 0x28:
    case 0x22:
    case 0x2c:
    case 0x3a:
    case 0x3b:
    case 0x3c:
    case 0x3e:
    case 0x40:
      return true;
    default:
      return false;
  }
}
