import Type from 'typebox';

/** The settings of the doors for foreign agents; without any of them there is no such door. */
const PLACES = 'host:port or unix:/path, several with commas; empty: this door does not exist';

export const ForeignSettings = {
  WAYBILL_FOREIGN_NETWORKS: Type.String({
    default: '',
    description:
      'Networks (CIDR, comma-separated) from which foreign agents may ask, in clear; everybody else is closed at accept. A unix socket is for whom its mode lets in',
  }),
  WAYBILL_FOREIGN_SASL: Type.String({
    default: '',
    description: `Where auth speaks Dovecot’s auth client protocol (smtpd_sasl_type = dovecot): ${PLACES}`,
  }),
  WAYBILL_FOREIGN_SOCKETMAP: Type.String({
    default: '',
    description: `Where auth answers Postfix’s socketmap tables: ${PLACES}`,
  }),
  WAYBILL_FOREIGN_POLICY: Type.String({
    default: '',
    description: `Where auth answers Postfix’s policy delegation (check_policy_service): ${PLACES}`,
  }),
  WAYBILL_FOREIGN_SOCKET_MODE: Type.String({
    default: '0660',
    pattern: '^0?[0-7]{3}$',
    description: 'Mode of the unix sockets, octal: who may ask there',
  }),
};
