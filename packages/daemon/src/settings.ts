import os from 'node:os';
import Type, { type TObject, type TProperties } from 'typebox';

/** The settings that every agent has. */
export const DaemonSettings = {
  WAYBILL_HOSTNAME: Type.String({
    default: os.hostname(),
    defaultText: 'the name of the machine',
    description: 'The machine name that this agent says in greetings and trace fields; not your mail domain',
  }),
  WAYBILL_INSTANCE: Type.String({
    default: `${os.hostname()}-${process.pid}`,
    defaultText: 'the name of the machine and the process id',
    description: 'Name of this replica in logs, leases and journeys',
  }),
  WAYBILL_OPS_HOST: Type.String({ default: '0.0.0.0', description: 'Address of the ops port' }),
  WAYBILL_OPS_PORT: Type.Integer({
    default: 9090,
    minimum: 0,
    maximum: 65535,
    description: 'Ops port: /livez, /readyz, /metrics',
  }),
  WAYBILL_LOG_LEVEL: Type.Union(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal'].map((level) => Type.Literal(level)),
    { default: 'info', description: 'trace, debug, info, warn, error or fatal' },
  ),
  WAYBILL_DRAIN_SECONDS: Type.Number({
    default: 4,
    minimum: 0,
    maximum: 600,
    description: 'After SIGTERM: how long to go on accepting while /readyz already says no',
  }),
  WAYBILL_DRAIN_DEADLINE_SECONDS: Type.Number({
    default: 25,
    minimum: 1,
    maximum: 3600,
    description: 'After that: how long what is in hand may take before the process ends anyway',
  }),
  WAYBILL_RELOAD_SECONDS: Type.Number({
    default: 30,
    minimum: 0,
    maximum: 86_400,
    description:
      'How often the certificate files are looked at; those that were replaced are read again, as after SIGHUP; 0: only then',
  }),
  WAYBILL_EXIT_WITH_PARENT: Type.Boolean({
    default: false,
    description: 'End at once when standard input closes: for launchers whose children must not outlive them',
  }),
};

/** The whole configuration of an agent: its own settings and those that every agent has. */
export function agentSchema<Settings extends TProperties>(
  settings: Settings,
): TObject<Settings & typeof DaemonSettings> {
  return Type.Object({ ...settings, ...DaemonSettings });
}
