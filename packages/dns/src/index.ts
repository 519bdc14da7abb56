/** DNS as mail needs it: answers as values that tell "there is none" from "ask again later", and the mail hosts of a domain. */
export { AddressPolicy, literalAddress } from './addresses.ts';
export { Lab } from './lab.ts';
export { type MailHost, mailHosts, type MailHostsOptions, type MailHostsAnswer } from './mail-hosts.ts';
export { type Mx, type Answer, type RecordTypes, type RecordType } from './answer.ts';
export { Resolver, type ResolverOptions, systemServers } from './resolver.ts';
