/** Taking mail: where a recipient leads, and who has the message once 250 is said. */
export { type Custody, handoffCustody, type Kept, spoolCustody } from './custody.ts';
export {
  deliveriesFor,
  DIRECTORY_AWAY,
  handedRecipient,
  NO_ROUTES,
  RECIPIENT_TAKEN,
  routesOf,
  TOO_MANY_TARGETS,
} from './deliveries.ts';
export { type CustodyContext, openCustody, type Opened } from './open-custody.ts';
export { custodySettings } from './settings.ts';
