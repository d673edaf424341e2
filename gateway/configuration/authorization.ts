import { z } from 'zod'
import { duration, flag, text } from './values.ts'

const policiesSchema = z
  .union([
    z.strictObject({
      file: text().describe('A module whose default export has a function for each policy'),
      timeout: duration({ least: '10ms', most: '30s' }).default(1_000),
    }),
    z.strictObject({
      url: z.url({ protocol: /^https?$/ }).describe('Asked once per request'),
      timeout: duration({ least: '10ms', most: '30s' }).default(1_000),
    }),
  ])
  .describe('Who decides about @policy; a time-out or an error is a denial')

/** What a caller may ask for. */
export const authorizationSchema = z
  .strictObject({
    default: z
      .enum(['allow', 'deny'])
      .default('allow')
      .describe('deny: whatever is not marked @public needs a token'),
    mode: z
      .enum(['filter', 'reject', 'dry_run'])
      .default('filter')
      .describe(
        'filter: leave denied fields out; reject: refuse the operation; dry_run: report only',
      ),
    mutations: z
      .enum(['all_or_nothing', 'filter'])
      .default('all_or_nothing')
      .describe('all_or_nothing: one denied root field, and nothing of the mutation runs'),
    errors: z
      .enum(['errors', 'extensions', 'log'])
      .default('errors')
      .describe('Where denials are told: errors, extensions.authorizationErrors, or the log only'),
    show_requirements: flag().default(true).describe('Tell in the error what was required'),
    policies: policiesSchema.optional(),
    introspection: z
      .enum(['allow', 'authenticated', 'filtered', 'refuse'])
      .default('allow')
      .describe('Who may read the schema; filtered: each caller the part that it may use'),
    explain_scope: text()
      .optional()
      .describe('Who has this scope may ask for extensions.authorization; left out: nobody'),
    combinations: z
      .int()
      .min(1)
      .max(10_000)
      .default(64)
      .describe('How many combinations of met and failed guards are kept for one operation'),
  })
  .prefault({})
  .transform(({ show_requirements, explain_scope, ...rest }) => ({
    ...rest,
    showRequirements: show_requirements,
    explainScope: explain_scope,
  }))
