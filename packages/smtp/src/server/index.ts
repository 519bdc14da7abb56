/**
 * The receiving side of SMTP (RFC 5321) and LMTP (RFC 2033): grammar, order of commands, limits, timers,
 * TLS, AUTH and drain. A service says by an SmtpSession what it thinks of each command; the engine says
 * the rest. It never answers 250 to a message before the session has.
 */
export { BodyBudget } from './body-budget.ts';
export { serveSmtp } from './conversation.ts';
export { type InnerCredentials, type InnerDoor, type InnerDoorOptions, openInnerDoor } from './inner-door.ts';
export { type Limits, refusalLine, type SmtpServerOptions, type Timers } from './options.ts';
export type { Peer, ReceivedMessage, SaslStepAnswer, SaslStepRequest, SmtpSession } from './session.ts';
