import { quantile, rate } from './curves.ts';
import type { Dashboard } from './panels.ts';

/** What mta and mda do, and how they share it. */
export const queue: Dashboard = {
  name: 'queue',
  title: 'Waybill: queue and delivery',
  about: 'What waits, what became of each attempt, and whether the replicas share the work.',
  rows: [
    {
      title: 'The queue',
      panels: [
        {
          title: 'Oldest mail that is due',
          as: 'curves',
          unit: 's',
          width: 12,
          queries: [['max(waybill_queue_oldest_due_seconds)', 'oldest']],
          bad: 60,
        },
        {
          title: 'Recipients',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [
            ['max(waybill_queue_recipients_queued)', 'queued'],
            ['max(waybill_queue_recipients_due)', 'due'],
            ['max(waybill_queue_recipients_leased)', 'held'],
          ],
        },
        {
          title: 'What wakes mta',
          as: 'curves',
          unit: 'cps',
          width: 12,
          about:
            'Kicks are the usual way. due and reap: it looked by itself, because a kick was lost or an mta died.',
          queries: [
            [rate('waybill_queue_runs_total', 'from'), 'run by {{from}}'],
            [rate('waybill_kicks_total', 'result'), 'kick {{result}}'],
          ],
        },
        {
          title: 'Destinations left alone after trouble, leases lost',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [
            ['sum(rate(waybill_destinations_held_total[$__rate_interval]))', 'left alone'],
            ['sum(rate(waybill_leases_lost_total[$__rate_interval]))', 'leases lost'],
            [rate('waybill_mta_troubles_total', 'what'), '{{what}}'],
          ],
        },
      ],
    },
    {
      title: 'Attempts',
      panels: [
        {
          title: 'Local',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [[rate('waybill_delivery_attempts_total{way="local"}', 'result'), '{{result}}']],
        },
        {
          title: 'To strangers',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [[rate('waybill_delivery_attempts_total{way="remote"}', 'result'), '{{result}}']],
        },
        {
          title: 'From the claim to the verdict',
          as: 'curves',
          unit: 's',
          width: 12,
          queries: [
            [quantile(0.5, 'waybill_delivery_seconds', 'way'), '{{way}} half'],
            [quantile(0.99, 'waybill_delivery_seconds', 'way'), '{{way}} 99 %'],
          ],
        },
        {
          title: 'TLS to strangers, reports',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [
            [rate('waybill_delivery_tls_total', 'result'), 'conversation {{result}}'],
            [rate('waybill_dsn_sent_total', 'type'), 'report of {{type}}'],
            [rate('waybill_dsn_unsent_total', 'why'), 'no report: {{why}}'],
          ],
        },
      ],
    },
    {
      title: 'Who does it',
      panels: [
        {
          title: 'Attempts per second by mta replica',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [[rate('waybill_delivery_attempts_total', 'instance'), '{{instance}}']],
        },
        {
          title: 'Recipients in hand by mta replica',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [['waybill_mta_recipients_in_hand', '{{instance}}']],
        },
        {
          title: 'Filed per second by mda replica',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [[rate('waybill_mda_deliveries_total', 'instance'), '{{instance}}']],
        },
        {
          title: 'Messages in hand by mda replica',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [['waybill_mda_messages_in_hand', '{{instance}}']],
        },
      ],
    },
  ],
};
