// Asks the agent's own ops port whether it may be sent work. Plain JavaScript without imports to
// load: it runs every few seconds beside the agent.
const port = process.env.WAYBILL_OPS_PORT || 9090;
require('node:http')
  .get({ host: '127.0.0.1', port, path: '/readyz', timeout: 2000, agent: false }, (response) => {
    process.exit(response.statusCode === 200 ? 0 : 1);
  })
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1));
