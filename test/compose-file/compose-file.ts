import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

/** docker-compose.yml as compose reads it with no .env: merged, and every variable at its default. */
export const ROOT = path.join(import.meta.dirname, '..', '..');

export interface Volume {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly subpath: string | undefined;
}

export interface Service {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly volumes: readonly Volume[];
  readonly networks: readonly string[];
  /** `published:target` */
  readonly ports: readonly string[];
  /** Condition by service. */
  readonly dependsOn: ReadonlyMap<string, string>;
  /** Anything else, as it stands. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export interface ComposeFile {
  readonly services: ReadonlyMap<string, Service>;
  readonly networks: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly volumes: readonly string[];
  /** Defaults of the variables, by name; several where the file does not agree with itself. */
  readonly variables: ReadonlyMap<string, ReadonlySet<string>>;
}

type Raw = Record<string, unknown>;

export function readComposeFile(): ComposeFile {
  const text = fs.readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8');
  const variables = new Map<string, Set<string>>();
  const plain = text.replaceAll(/\$\{([A-Z0-9_]+):-([^}]*)\}/g, (_, name: string, fallback: string) => {
    variables.set(name, (variables.get(name) ?? new Set()).add(fallback));
    return fallback;
  });
  const document = parse(plain, { merge: true }) as Raw;
  const services = Object.entries(document['services'] as Record<string, Raw>);
  return {
    // What another file describes is that file's business.
    services: new Map(
      services
        .filter(([, raw]) => raw['extends'] === undefined)
        .map(([name, raw]) => [name, service(name, raw)]),
    ),
    networks: new Map(
      Object.entries(document['networks'] as Record<string, Raw | null>).map(([name, raw]) => [
        name,
        raw ?? {},
      ]),
    ),
    volumes: Object.keys(document['volumes'] as Raw),
    variables,
  };
}

function service(name: string, raw: Raw): Service {
  return {
    name,
    command: (raw['command'] as string[] | undefined) ?? [],
    environment: new Map(
      Object.entries((raw['environment'] as Raw | undefined) ?? {}).map(([key, value]) => [
        key,
        scalar(value),
      ]),
    ),
    volumes: ((raw['volumes'] as unknown[] | undefined) ?? []).map(volume),
    networks: (raw['networks'] as string[] | undefined) ?? [],
    ports: (raw['ports'] as string[] | undefined) ?? [],
    dependsOn: new Map(
      Object.entries((raw['depends_on'] as Record<string, { condition: string }> | undefined) ?? {}).map(
        ([other, { condition }]) => [other, condition],
      ),
    ),
    raw,
  };
}

function volume(raw: unknown): Volume {
  if (typeof raw === 'string') {
    const [source = '', target = '', mode] = raw.split(':');
    return { source, target, readOnly: mode === 'ro', subpath: undefined };
  }
  const long = raw as { source: string; target: string; read_only?: boolean; volume?: { subpath?: string } };
  return {
    source: long.source,
    target: long.target,
    readOnly: long.read_only === true,
    subpath: long.volume?.subpath,
  };
}

function scalar(value: unknown): string {
  return typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);
}
