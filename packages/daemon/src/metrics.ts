import prom from 'prom-client';

/** Metrics of one process; every name begins with `waybill_`, labels have few values, never addresses. */
export class Metrics {
  readonly registry = new prom.Registry();

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
