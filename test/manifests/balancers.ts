import type { IService } from 'kubernetes-models/v1';
import { type AgentName, type Manifests, matches } from './manifests.ts';
import { environment } from './settings.ts';

/** The public doors: one load balancer each, and an agent that expects a PROXY header exactly where one is sent. */
const PUBLIC: Readonly<Partial<Record<AgentName, readonly number[]>>> = {
  mra: [110, 143, 993, 995],
  msa: [465, 587],
  mx: [25],
};

export function balancerFaults(manifests: Manifests): string[] {
  return Object.entries(PUBLIC).flatMap(([name, ports]) => {
    const agent = manifests.agent(name as AgentName);
    if (agent === undefined) return [];
    const balancers = manifests
      .of<IService>('Service')
      .filter(
        ({ spec }) =>
          spec?.type === 'LoadBalancer' &&
          matches({ matchLabels: spec.selector as Record<string, string> }, agent.labels),
      );
    const [service] = balancers;
    if (service === undefined || balancers.length > 1)
      return [`${name}: it has ${balancers.length} load balancers, not one`];
    const faults: string[] = [];
    const open = (service.spec?.ports ?? []).map(({ port }) => port).toSorted((a, b) => a - b);
    if (open.join() !== ports.join())
      faults.push(`${name}: its load balancer opens ${open.join()}, not ${ports.join()}`);
    const keepsAddress = service.spec?.externalTrafficPolicy === 'Local';
    const expectsHeader = (environment(agent, manifests).get('WAYBILL_PROXY_FROM') ?? '') !== '';
    if (keepsAddress && expectsHeader)
      faults.push(`${name}: it expects a PROXY header, and its load balancer sends none`);
    if (!keepsAddress && !expectsHeader) faults.push(`${name}: every client looks like the load balancer`);
    return faults;
  });
}
