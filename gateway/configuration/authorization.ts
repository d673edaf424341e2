import { z } from 'zod'
import { duration, flag, text } from './values.ts'

const mode = z.enum(['filter', 'reject', 'dry_run'])

/** What a caller may ask for. */
export const authorizationSchema = z
  .strictObject({
    default: z
      .enum(['allow', 'deny'])
      .default('allow')
      .describe('deny: whatever is not marked @public needs a token'),
    queries: mode
      .default('filter')
      .describe(
        'filter: leave denied fields out; reject: refuse the operation; dry_run: report only',
      ),
    mutations: mode.default('reject'),
    errors: z
      .enum(['errors', 'extensions', 'log'])
      .default('errors')
      .describe('Where denials are told: errors, extensions.authorizationErrors, or the log only'),
    show_requirements: flag().default(true).describe('Tell in the error what was required'),
    policies: z
      .union([
        z.strictObject({ file: text().describe('A module that exports the policies') }),
        z.strictObject({
          url: z.url({ protocol: /^https?$/ }).describe('Asked once per request'),
          timeout: duration({ least: '10ms', most: '30s' }).default(1_000),
        }),
      ])
      .optional(),
    introspection: z
      .enum(['allow', 'authenticated', 'filter', 'refuse'])
      .default('allow')
      .describe('Who may read the schema; filter: each caller what it may ask for'),
  })
  .prefault({})
  .transform(({ show_requirements, ...rest }) => ({ ...rest, showRequirements: show_requirements }))
