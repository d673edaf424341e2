/** What revokes a session: the words of the audit trail, and those of the schema. */
import type { AuditEvent } from '../audit/audit-trail.ts'

/** The reason in the schema for each event that revokes sessions. */
export const sessionEndReasons = {
  logout: 'LOGOUT',
  'logout everywhere': 'LOGOUT_EVERYWHERE',
  'session revoked': 'REVOKED',
  'refresh token reused': 'REFRESH_TOKEN_REUSED',
  'password changed': 'PASSWORD_CHANGED',
  'password reset': 'PASSWORD_RESET',
  'account disabled': 'ACCOUNT_DISABLED',
  'logout forced': 'LOGOUT_FORCED',
} as const satisfies Partial<Record<AuditEvent, string>>

/** An event that revokes sessions. */
export type SessionEnd = keyof typeof sessionEndReasons
