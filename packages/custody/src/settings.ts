import Type from 'typebox';

/**
 * Who has what was taken: with the textbook's hop the spool is another machine's, and a database only for the journey.
 * @param agent whose login role the description names
 */
export function custodySettings(agent: 'msa' | 'mx') {
  return {
    WAYBILL_HANDOFF: Type.String({
      default: 'spool',
      description:
        'Where messages go before 250 is said: spool, or smtp://host:port of another machine’s mta (several with commas where they share a database; with ?foreign of any SMTP server)',
    }),
    WAYBILL_HANDOFF_CA_FILE: Type.String({
      default: '',
      description: 'PEM file of the authority of that mta’s certificate; empty: WAYBILL_AUTH_CA_FILE',
    }),
    WAYBILL_HANDOFF_CONNECTIONS: Type.Integer({
      default: 20,
      minimum: 1,
      maximum: 200,
      description: 'Most connections to each address of the next machine',
    }),
    WAYBILL_DATABASE_URL: Type.Optional(
      Type.String({
        description: `Connection string of this agent's own login role, e.g. postgres://waybill_${agent}:…@db:5432/waybill; may be left out with WAYBILL_HANDOFF=smtp://…: then this agent records no journey`,
        secret: true,
      }),
    ),
  };
}
