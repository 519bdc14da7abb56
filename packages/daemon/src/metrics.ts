import prom from 'prom-client';

/** What a listening port says of itself. */
export interface CountedDoor {
  /** Connections open now. */
  readonly open: number;
  /** Connections served since the start. */
  readonly accepted: number;
}

/** What a pool of database connections says of itself; `pg.Pool` does. */
export interface CountedPool {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/**
 * Metrics of one process; every name begins with `waybill_`, labels have few values, never addresses.
 * All of them are listed in docs/metrics.md.
 */
export class Metrics {
  readonly registry = new prom.Registry();
  readonly #doors = new Map<string, readonly CountedDoor[]>();

  constructor(agent: string) {
    this.registry.setDefaultLabels({ agent });
    prom.collectDefaultMetrics({
      register: this.registry,
      prefix: 'waybill_',
      eventLoopMonitoringPrecision: 20,
    });
  }

  /** A counter; `waybill_` and `_total` are added to the name. */
  counter<L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
  ): prom.Counter<L> {
    return new prom.Counter({
      name: `waybill_${name}_total`,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
    });
  }

  /** A gauge read when it is scraped. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new prom.Gauge({
      name: `waybill_${name}`,
      help,
      registers: [this.registry],
      async collect() {
        this.set(await read());
      },
    });
  }

  /** A gauge with one label, read when it is scraped. */
  gauges(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void {
    new prom.Gauge({
      name: `waybill_${name}`,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        for (const [value, number] of Object.entries(read())) this.set({ [label]: value }, number);
      },
    });
  }

  /** A counter with one label whose counts are kept elsewhere and only grow; `waybill_` and `_total` are added. */
  counts(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void {
    new prom.Counter({
      name: `waybill_${name}_total`,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [value, number] of Object.entries(read())) this.inc({ [label]: value }, number);
      },
    });
  }

  /** Sessions of a door by the protocol's name; several ports of one protocol are one door. */
  door(name: string, ...ports: readonly CountedDoor[]): void {
    const doors = this.#doors;
    if (doors.size === 0) {
      const sums = (of: (port: CountedDoor) => number): Record<string, number> =>
        Object.fromEntries([...doors].map(([door, open]) => [door, open.reduce((sum, p) => sum + of(p), 0)]));
      this.gauges('sessions_open', 'Sessions open now', 'door', () => sums((port) => port.open));
      this.counts('sessions', 'Sessions begun', 'door', () => sums((port) => port.accepted));
    }
    doors.set(name, ports);
  }

  /** Connections of this process to the database, by what they do. */
  databasePool(pool: CountedPool): void {
    this.gauges('database_connections', 'Connections to Postgres of the main pool', 'state', () => ({
      busy: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
    }));
    this.gauge('database_waiting', 'Calls that wait for a connection to Postgres', () => pool.waitingCount);
  }

  /** What runs here, as labels of a constant 1. */
  buildInfo(version: string, instance: string): void {
    const info = new prom.Gauge({
      name: 'waybill_build_info',
      help: 'Version and name of this replica; always 1',
      labelNames: ['version', 'instance'],
      registers: [this.registry],
    });
    info.set({ version, instance }, 1);
  }

  /** A histogram of seconds. */
  seconds<L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
  ): prom.Histogram<L> {
    return new prom.Histogram({
      name: `waybill_${name}_seconds`,
      help,
      labelNames: [...labelNames],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 120],
      registers: [this.registry],
    });
  }
}
