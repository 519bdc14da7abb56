import { quantile, rate } from './curves.ts';
import type { Dashboard } from './panels.ts';

/** Is mail flowing, and if not, where does it wait? */
export const overview: Dashboard = {
  name: 'overview',
  title: 'Waybill: is mail flowing?',
  about: 'What comes in, what goes out, and where mail waits in between.',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Oldest mail that is due',
          as: 'numbers',
          unit: 's',
          width: 6,
          about:
            'How long the oldest recipient whose time has come waits for an mta. Seconds are usual, minutes are not.',
          queries: [['max(waybill_queue_oldest_due_seconds)', '']],
          bad: 60,
        },
        {
          title: 'Recipients in the queue',
          as: 'numbers',
          unit: 'short',
          width: 6,
          queries: [['max(waybill_queue_recipients_queued) + max(waybill_queue_recipients_leased)', '']],
        },
        {
          title: 'Accepted per second',
          as: 'numbers',
          unit: 'cps',
          width: 4,
          queries: [['sum(agent:waybill_messages_accepted:rate5m)', '']],
        },
        {
          title: 'Delivered per second',
          as: 'numbers',
          unit: 'cps',
          width: 4,
          queries: [['sum(way_result:waybill_delivery_attempts:rate5m{result="delivered"})', '']],
        },
        {
          title: 'Alerts',
          as: 'numbers',
          unit: 'short',
          width: 4,
          queries: [['count(ALERTS{alertstate="firing",alertname=~"Waybill.*"}) or vector(0)', '']],
          bad: 1,
        },
        {
          title: 'Replicas ready',
          as: 'numbers',
          unit: 'short',
          width: 24,
          queries: [['agent:waybill_ready:sum', '{{agent}}']],
          bad: 1,
          lowIsBad: true,
        },
      ],
    },
    {
      title: 'The way of the mail',
      panels: [
        {
          title: '1. Taken in',
          as: 'curves',
          unit: 'cps',
          width: 12,
          about:
            'Messages by what mx and msa answered. not-kept: the spool could not be written, the client tries again.',
          queries: [
            [rate('waybill_mx_messages_total', 'outcome'), 'mx {{outcome}}'],
            [rate('waybill_msa_messages_total', 'outcome'), 'msa {{outcome}}'],
          ],
        },
        {
          title: '2. Waiting in the spool',
          as: 'curves',
          unit: 'short',
          width: 12,
          about: 'Due: its time has come and nobody holds it. Many of these mean too little mta, or none.',
          queries: [
            ['max(waybill_queue_recipients_queued)', 'queued'],
            ['max(waybill_queue_recipients_due)', 'due'],
            ['max(waybill_queue_recipients_leased)', 'held by an mta'],
          ],
        },
        {
          title: '3. Tried',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [[rate('waybill_delivery_attempts_total', 'way, result'), '{{way}} {{result}}']],
        },
        {
          title: '4. Filed',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [[rate('waybill_mda_deliveries_total', 'outcome'), '{{outcome}}']],
        },
      ],
    },
    {
      title: 'Where it waits',
      panels: [
        {
          title: 'Time of each step, 95th percentile',
          as: 'curves',
          unit: 's',
          width: 12,
          queries: [
            [quantile(0.95, 'waybill_mx_accept_seconds'), 'mx: dot to 250'],
            [quantile(0.95, 'waybill_msa_accept_seconds'), 'msa: dot to 250'],
            [quantile(0.95, 'waybill_delivery_seconds', 'way'), 'mta: {{way}}'],
            [quantile(0.95, 'waybill_mda_delivery_seconds'), 'mda: dot to 250'],
            [quantile(0.95, 'waybill_auth_call_seconds'), 'auth: a call'],
          ],
        },
        {
          title: 'Waiting for Postgres',
          as: 'curves',
          unit: 'short',
          width: 12,
          about:
            'Calls that wait for a connection. More than none all the time: the pool or Postgres is too small.',
          queries: [['sum by (agent) (waybill_database_waiting)', '{{agent}}']],
        },
        {
          title: 'Sessions open',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [['sum by (door) (waybill_sessions_open)', '{{door}}']],
        },
        {
          title: 'Event loop lag, 99th percentile',
          as: 'curves',
          unit: 's',
          width: 12,
          about: 'The worst replica of each agent. 20 ms of it are the period of measuring.',
          queries: [['max by (agent) (waybill_nodejs_eventloop_lag_p99_seconds)', '{{agent}}']],
          bad: 0.25,
        },
      ],
    },
  ],
};
