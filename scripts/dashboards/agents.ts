import type { Dashboard } from './panels.ts';

/** Every replica as a process. */
export const agents: Dashboard = {
  name: 'agents',
  title: 'Waybill: agents and their replicas',
  about: 'Each replica as a process: is it ready, how busy is it, and does it share the sessions fairly.',
  byAgent: true,
  rows: [
    {
      title: 'Replicas',
      panels: [
        {
          title: 'Ready',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [
            ['sum by (agent) (waybill_ready{agent=~"$agent"})', '{{agent}} ready'],
            ['sum by (agent) (waybill_draining{agent=~"$agent"})', '{{agent}} draining'],
          ],
        },
        {
          title: 'Who runs what',
          as: 'table',
          unit: 'short',
          width: 12,
          queries: [['waybill_build_info{agent=~"$agent"}', '']],
        },
        {
          title: 'Sessions open by replica',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [['waybill_sessions_open{agent=~"$agent"}', '{{door}} {{instance}}']],
        },
        {
          title: 'Sessions begun per second by replica',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [
            ['rate(waybill_sessions_total{agent=~"$agent"}[$__rate_interval])', '{{door}} {{instance}}'],
          ],
        },
      ],
    },
    {
      title: 'Processes',
      panels: [
        {
          title: 'CPU',
          as: 'curves',
          unit: 'percentunit',
          width: 12,
          queries: [
            [
              'rate(waybill_process_cpu_seconds_total{agent=~"$agent"}[$__rate_interval])',
              '{{agent}} {{instance}}',
            ],
          ],
        },
        {
          title: 'Memory',
          as: 'curves',
          unit: 'bytes',
          width: 12,
          queries: [['waybill_process_resident_memory_bytes{agent=~"$agent"}', '{{agent}} {{instance}}']],
        },
        {
          title: 'Event loop lag, 99th percentile',
          as: 'curves',
          unit: 's',
          width: 12,
          about: '20 ms of it are the period of measuring.',
          queries: [['waybill_nodejs_eventloop_lag_p99_seconds{agent=~"$agent"}', '{{agent}} {{instance}}']],
          bad: 0.25,
        },
        {
          title: 'JavaScript heap used',
          as: 'curves',
          unit: 'bytes',
          width: 12,
          queries: [['waybill_nodejs_heap_size_used_bytes{agent=~"$agent"}', '{{agent}} {{instance}}']],
        },
        {
          title: 'Connections to Postgres',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [
            ['sum by (agent, state) (waybill_database_connections{agent=~"$agent"})', '{{agent}} {{state}}'],
            ['sum by (agent) (waybill_database_waiting{agent=~"$agent"})', '{{agent}} waiting'],
          ],
        },
        {
          title: 'Open files',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [['waybill_process_open_fds{agent=~"$agent"}', '{{agent}} {{instance}}']],
        },
      ],
    },
    {
      title: 'What should not happen',
      panels: [
        {
          title: 'Days until the certificate ends',
          as: 'numbers',
          unit: 'd',
          width: 12,
          queries: [
            [
              '(min by (agent) (waybill_certificate_expiry_timestamp_seconds{agent=~"$agent"}) - time()) / 86400',
              '{{agent}}',
            ],
          ],
          bad: 14,
          lowIsBad: true,
        },
        {
          title: 'Starts in the last hour',
          as: 'numbers',
          unit: 'short',
          width: 12,
          queries: [
            [
              'sum by (agent) (changes(waybill_process_start_time_seconds{agent=~"$agent"}[1h]))',
              '{{agent}}',
            ],
          ],
          bad: 3,
        },
        {
          title: 'Errors in the last hour',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [
            [
              'sum by (agent) (increase(waybill_unhandled_errors_total{agent=~"$agent"}[1h]))',
              '{{agent}} unhandled',
            ],
            ['sum(increase(waybill_mx_session_errors_total[1h]))', 'mx session'],
            ['sum(increase(waybill_msa_session_errors_total[1h]))', 'msa session'],
          ],
        },
        {
          title: 'Journey events that could not be kept, in the last hour',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [
            [
              'sum by (agent) (increase(waybill_journey_events_lost_total{agent=~"$agent"}[1h]))',
              '{{agent}}',
            ],
          ],
        },
      ],
    },
  ],
};
