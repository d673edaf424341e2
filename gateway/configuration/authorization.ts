import { z } from 'zod'
import { duration, flag, text, texts, together } from './values.ts'

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

const stepUpSchema = z
  .record(
    text(),
    z
      .strictObject({
        acr_values: texts()
          .optional()
          .describe('Any of these in the `acr` claim is strong enough, the preferred one first'),
        max_age: duration({ least: '1s', most: '365d' })
          .optional()
          .describe('The longest time since the login (`auth_time`)'),
      })
      .check(
        together<{ acr_values?: unknown; max_age?: unknown }>((login, problem) => {
          if (login.acr_values !== undefined || login.max_age !== undefined) return
          problem([], 'needs acr_values, max_age, or both')
        }),
      )
      .transform(({ acr_values = [], max_age }) => ({
        acrValues: acr_values,
        maxAge: max_age === undefined ? undefined : Math.floor(max_age / 1_000),
      })),
  )
  .default({})
  .describe('Policies that a stronger or more recent login meets (RFC 9470)')

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
    step_up: stepUpSchema,
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
  .transform(({ show_requirements, explain_scope, step_up, ...rest }) => ({
    ...rest,
    stepUp: step_up,
    showRequirements: show_requirements,
    explainScope: explain_scope,
  }))
