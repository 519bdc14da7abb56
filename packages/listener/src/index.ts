/**
 * The one way in: accepts connections for SMTP, LMTP, IMAP and POP3, learns who the peer really is
 * (PROXY header, TLS, client certificate), keeps limits, and drains. It knows no protocol.
 */
export { Connection, type CloseReason } from './connection.ts';
export { type Listener, type ListenerOptions, openListener, type Refusal } from './listener.ts';
export { AddressLimits, type ConnectionLimits } from './limits.ts';
export { isInner, Networks, plainAddress } from './networks.ts';
export { type ProxyHeader, readProxyHeader } from './proxy-header.ts';
export { ListenerSettings, listenerLimits, TlsSettings, tlsFromSettings } from './settings.ts';
export { TlsContexts, type TlsMaterial } from './tls-contexts.ts';
