import fs from 'node:fs';
import type { Static, TObject, TSchema } from 'typebox';
import { Errors } from 'typebox/value';

/**
 * Configuration is environment variables with the prefix WAYBILL_. They are read once, checked
 * against a schema, and frozen; every fault is reported at once, each with its fix.
 */

/** All that was wrong with the configuration; `faults` has one line each. */
export class ConfigError extends Error {
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(
      `the configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n  ${faults.join('\n  ')}`,
    );
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

interface SettingSchema {
  readonly type?: string;
  readonly default?: unknown;
  readonly description?: string;
  /** What tables say where the default differs from machine to machine. */
  readonly defaultText?: string;
  /** Never printed; may be given as NAME_FILE. */
  readonly secret?: boolean;
  readonly '~optional'?: unknown;
}

/**
 * Reads settings from an environment.
 * A property named X takes its value from X, or from the file named by X_FILE (its trailing line end
 * removed; an empty one says nothing); numbers and booleans (true/false/1/0) are read from text.
 * @throws ConfigError with all faults: missing, malformed, out of range, and WAYBILL_ names nobody reads.
 */
export function loadConfig<T extends TObject>(schema: T, env: NodeJS.ProcessEnv = process.env): Static<T> {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  const properties = schema.properties as Record<string, TSchema>;
  const required = new Set((schema as { required?: readonly string[] }).required);
  for (const [name, property] of Object.entries(properties)) {
    const setting = property as SettingSchema;
    let text: string | undefined;
    try {
      text = readText(name, env, setting.secret === true);
    } catch (error) {
      faults.push((error as Error).message);
      continue;
    }
    if (text === undefined) {
      if (setting.default !== undefined) values[name] = setting.default;
      else if (required.has(name)) faults.push(`${name} is missing: ${setting.description ?? 'set it'}`);
      continue;
    }
    const value = coerce(text, setting.type);
    const [error] = Errors(property, value);
    if (error === undefined) values[name] = value;
    else
      faults.push(
        `${name}: ${setting.secret === true ? 'the value' : JSON.stringify(text)} ${error.message}${setting.description === undefined ? '' : ` (${setting.description})`}`,
      );
  }
  for (const name of Object.keys(env)) {
    if (!name.startsWith('WAYBILL_') || name in properties || name.startsWith('WAYBILL_TEST_')) continue;
    const base = name.endsWith('_FILE') ? name.slice(0, -5) : name;
    if ((properties[base] as SettingSchema | undefined)?.secret === true) continue;
    const near = nearest(name, Object.keys(properties));
    faults.push(
      `${name} is not a setting of this agent${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(values) as Static<T>;
}

function readText(name: string, env: NodeJS.ProcessEnv, secret: boolean): string | undefined {
  const direct = env[name];
  if (direct !== undefined && direct !== '') return direct;
  const file = secret ? env[`${name}_FILE`] : undefined;
  if (file === undefined) return undefined;
  try {
    const content = fs.readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    // As for the variable itself: empty is not set.
    return content === '' ? undefined : content;
  } catch (error) {
    throw new Error(`${name}_FILE: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`, {
      cause: error,
    });
  }
}

function coerce(text: string, type: string | undefined): unknown {
  if (type === 'integer' || type === 'number') return text.trim() === '' ? text : Number(text);
  if (type === 'boolean')
    return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
  return text;
}

/** The closest known name within three edits, for "did you mean". */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = 4;
  for (const candidate of known) {
    const distance = editDistance(name, candidate, least);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein distance; lengths that differ by `cap` or more are not worth counting. */
function editDistance(a: string, b: string, cap: number): number {
  if (Math.abs(a.length - b.length) >= cap || a.length > 100) return cap;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** A settings table in markdown, made from the schema: service READMEs carry it and a test compares. */
export function settingsTable(schema: TObject): string {
  const rows = Object.entries(schema.properties as Record<string, SettingSchema>).map(([name, setting]) => {
    const fallback =
      setting.defaultText !== undefined
        ? setting.defaultText
        : setting.default === ''
          ? 'none'
          : setting.default !== undefined
            ? `\`${JSON.stringify(setting.default).replaceAll('"', '')}\``
            : setting['~optional'] === undefined
              ? 'required'
              : '–';
    return `| \`${name}\` | ${fallback} | ${setting.description ?? ''}${setting.secret === true ? ' (or `_FILE`)' : ''} |`;
  });
  return ['| setting | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}
