import manifest from '../package.json' with { type: 'json' };

/** The suite's version: all of its packages carry the same. */
export const VERSION: string = manifest.version;
