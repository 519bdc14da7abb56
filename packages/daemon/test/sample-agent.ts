import { run } from '../src/index.ts';

/** An agent that says when it is told to end, for run.test.ts. */
await run({
  name: 'sample',
  settings: {},
  start: async (context) => {
    process.stdout.write('started\n');
    if (process.env['SAMPLE_WAITS'] === '1')
      await context.waitFor('a dependency that does not answer', () => new Promise(() => undefined));
    context.metrics.counter('samples', 'counted').inc(3);
    return {
      [Symbol.asyncDispose]: () => {
        process.stdout.write('disposed\n');
        return Promise.resolve();
      },
    };
  },
});
