import manifest from '../package.json' with { type: 'json' };

/** The suite's version, as IMAP's ID tells it. */
export const VERSION: string = manifest.version;
