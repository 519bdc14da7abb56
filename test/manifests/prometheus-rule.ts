import fs from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';

/**
 * The PrometheusRule of k8s/components/monitoring is deploy/observe/rules as the operator wants it.
 * `node test/manifests/prometheus-rule.ts` writes it again; a test says when that is due.
 */
const root = path.join(import.meta.dirname, '../..');
export const RULE_FILE = path.join(root, 'k8s/components/monitoring/prometheus-rule.yaml');

/** The text that the file should have. */
export function prometheusRule(): string {
  const folder = path.join(root, 'deploy/observe/rules');
  const groups = fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.yml'))
    .toSorted()
    .flatMap((name) => (parse(fs.readFileSync(path.join(folder, name), 'utf8')) as RuleFile).groups);
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'waybill' },
    spec: { groups },
  };
  return `# Made from deploy/observe/rules by test/manifests/prometheus-rule.ts: change it there.\n${stringify(rule, { lineWidth: 0 })}`;
}

interface RuleFile {
  readonly groups: readonly unknown[];
}

if (import.meta.main) fs.writeFileSync(RULE_FILE, prometheusRule());
