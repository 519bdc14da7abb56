/** What tests and scripts borrow from the command line tool. */
export { ALL_SCHEMAS, migrateAll } from './migrations.ts';
export { readBySubject, submit } from './first-message.ts';
