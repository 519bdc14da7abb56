/**
 * What an IMAP client believes of its mailbox, from nothing but the server's untagged answers: the check that
 * a server never lets a client's numbers drift from the truth.
 */
export interface Believed {
  /** Undefined until the client was told. */
  uid: number | undefined;
  flags: string | undefined;
}

export class ClientView {
  readonly messages: Believed[] = [];

  hear(lines: readonly string[]): void {
    for (const line of lines) this.#one(line);
  }

  #one(line: string): void {
    const words = line.split(' ');
    const number = Number(words[1]);
    switch (words[2]) {
      case 'EXISTS':
        if (number < this.messages.length) throw new Error(`EXISTS went down without EXPUNGE: ${line}`);
        while (this.messages.length < number) this.messages.push({ uid: undefined, flags: undefined });
        break;
      case 'EXPUNGE':
        if (number > this.messages.length) throw new Error(`EXPUNGE of a message that is not there: ${line}`);
        this.messages.splice(number - 1, 1);
        break;
      case 'FETCH': {
        const message = this.messages[number - 1];
        if (message === undefined) throw new Error(`FETCH of a message that is not there: ${line}`);
        const uid = /[( ]UID (\d+)/.exec(line)?.[1];
        if (uid !== undefined) {
          if (message.uid !== undefined && message.uid !== Number(uid))
            throw new Error(`message ${number} was UID ${message.uid}: ${line}`);
          message.uid = Number(uid);
        }
        const flags = /FLAGS \(([^)]*)\)/.exec(line)?.[1];
        if (flags !== undefined)
          message.flags = flags
            .split(' ')
            .filter((flag) => flag !== '\\Recent' && flag !== '')
            .sort()
            .join(' ');
        break;
      }
      default:
    }
  }
}
