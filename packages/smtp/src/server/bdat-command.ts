import type { Reply } from '../reply.ts';
import type { Conversation } from './conversation.ts';
import * as said from './replies.ts';

/** RFC 3030 §2: `BDAT size [LAST]`, size of 1 to 20 digits. */
const ARGUMENT = /^(\d{1,20})(?: +(LAST))?$/i;

/**
 * BDAT, RFC 3030 §2. Its octets follow whatever is answered, so they are read in any case; where their number
 * cannot be known they cannot be told from commands, and the conversation ends.
 * @param refused what speaks against the command before it is looked at
 */
export function bdatCommand(c: Conversation, argument: string, refused: Reply | undefined): void {
  const match = ARGUMENT.exec(argument);
  const size = Number(match?.[1]);
  if (match === null) c.end(said.BDAT_MALFORMED);
  else if (!Number.isSafeInteger(size)) c.end(said.TOO_BIG);
  else if (refused !== undefined) c.message.skipChunk(size, () => c.mistake(refused));
  else take(c, size, match[2] !== undefined);
}

function take(c: Conversation, size: number, last: boolean): void {
  const { transaction, message } = c;
  if (c.extended !== true) message.skipChunk(size, () => c.mistake(said.HELLO_FIRST));
  else if (transaction === undefined) message.skipChunk(size, () => c.withoutSender());
  else if (transaction.spoilt) message.skipChunk(size, () => c.junk(said.RSET_FIRST));
  else if (transaction.recipients === 0)
    // As with DATA: sent ahead behind recipients that were refused, which were counted.
    message.skipChunk(size, () => c.junk(said.noRecipients(c.options.protocol)));
  else if (message.chunked) message.startChunk(size, last);
  else
    c.answer(
      'data',
      () => c.session.data?.(),
      (answer) => {
        if (answer === undefined) message.startChunk(size, last);
        else
          message.skipChunk(size, () => {
            c.refusal(answer);
            // Chunks that were sent ahead must not pass for a message of their own.
            if (!last) c.spoilTransaction();
          });
      },
    );
}
