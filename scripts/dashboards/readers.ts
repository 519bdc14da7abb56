import { quantile, rate } from './curves.ts';
import type { Dashboard } from './panels.ts';

/** IMAP and POP3, and the logins of all doors. */
export const readers: Dashboard = {
  name: 'readers',
  title: 'Waybill: IMAP, POP3 and logins',
  about: 'Who reads, how it goes, and who is not let in.',
  rows: [
    {
      title: 'Sessions',
      panels: [
        {
          title: 'Open by replica',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [['waybill_sessions_open{door=~"imap|pop3"}', '{{door}} {{instance}}']],
        },
        {
          title: 'Begun per second by replica',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [
            [rate('waybill_sessions_total{door=~"imap|pop3"}', 'door, instance'), '{{door}} {{instance}}'],
          ],
        },
        {
          title: 'Commands per second',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [
            [`topk(12, ${rate('waybill_commands_total', 'proto, command')})`, '{{proto}} {{command}}'],
          ],
        },
        {
          title: 'Commands refused per second',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [
            [
              `topk(12, ${rate('waybill_commands_total{result!="ok"}', 'command, result')})`,
              '{{command}} {{result}}',
            ],
          ],
        },
        {
          title: 'Our faults',
          as: 'curves',
          unit: 'cps',
          width: 12,
          about: 'outage: the store could not be reached; bug: an error that no code foresaw.',
          queries: [[rate('waybill_faults_total', 'proto, kind'), '{{proto}} {{kind}}']],
        },
        {
          title: 'Messages read for the first time',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [[rate('waybill_messages_fetched_total', 'proto'), '{{proto}}']],
        },
        {
          title: 'Mailboxes held in memory',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [['waybill_mailboxes_cached', '{{instance}}']],
        },
        {
          title: 'Summaries held in memory',
          as: 'curves',
          unit: 'bytes',
          width: 12,
          queries: [['waybill_summaries_cached_bytes', '{{instance}}']],
        },
      ],
    },
    {
      title: 'Logins',
      panels: [
        {
          title: 'By door and result',
          as: 'curves',
          unit: 'cps',
          width: 12,
          queries: [
            [rate('waybill_logins_total', 'proto, result'), '{{proto}} {{result}}'],
            [rate('waybill_msa_logins_total', 'outcome'), 'submission {{outcome}}'],
          ],
        },
        {
          title: 'By what auth said',
          as: 'curves',
          unit: 'cps',
          width: 12,
          about:
            'remembered: without hashing again. busy: more passwords than can be hashed. penalty: a client that guessed too often.',
          queries: [[rate('waybill_auth_logins_total', 'outcome'), '{{outcome}}']],
        },
        {
          title: 'Passwords that wait to be hashed',
          as: 'curves',
          unit: 'short',
          width: 12,
          queries: [['waybill_auth_hash_queue_depth', '{{instance}}']],
        },
        {
          title: 'Time to hash one, time to answer a call',
          as: 'curves',
          unit: 's',
          width: 12,
          queries: [
            [quantile(0.95, 'waybill_auth_hash_seconds'), 'hash'],
            [quantile(0.95, 'waybill_auth_call_seconds', 'call'), '{{call}}'],
          ],
        },
      ],
    },
  ],
};
