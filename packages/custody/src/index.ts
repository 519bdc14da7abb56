/** Who has a message once 250 is said: the spool of this machine, or the next machine. */
export { type Custody, handoffCustody, type Kept, spoolCustody } from './custody.ts';
export { type CustodyContext, openCustody, type Opened } from './open-custody.ts';
export { custodySettings } from './settings.ts';
