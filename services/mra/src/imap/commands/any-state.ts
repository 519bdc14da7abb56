/** Commands that are legal everywhere, and the small ones after login: RFC 3501 §6.1, RFC 2971, RFC 5161, RFC 2342. */
import { bye, capabilityLine, enabledLine, idLine, namespaceLine } from '@waybill/imap';
import { capabilities } from '../capabilities.ts';
import type { CommandOf } from '../commands.ts';
import type { Session } from '../session.ts';

export function capability(session: Session): void {
  session.output.text(capabilityLine(capabilities(session)));
}

/** What changed is told by the loop around every command. RFC 3501 §6.1.2. */
export function noop(): void {}

export function logout(session: Session): void {
  session.output.text(bye('Good bye'));
  session.ended = true;
}

export function id(session: Session, command: CommandOf<'ID'>): void {
  if (command.fields !== null) session.around.events.clientId(session.facts, command.fields);
  session.output.text(
    idLine([
      ['name', 'Waybill'],
      ['version', session.around.version],
    ]),
  );
}

/** None of the extensions served needs to be switched on. RFC 5161 §3.1: unknown names are passed over. */
export function enable(session: Session): void {
  session.output.text(enabledLine([]));
}

export function namespace(session: Session): void {
  session.output.text(namespaceLine());
}
