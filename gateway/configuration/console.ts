import { z } from 'zod'
import { text } from './values.ts'

/** `console:` of gateway.yaml: the page that shows people what callers may see, and why. */
export const consoleSchema = z
  .union(
    [
      z.enum(['on', 'off']),
      z.strictObject({
        scope: text().describe(
          'The page is shown to everybody, and decisions are explained to callers with this scope',
        ),
      }),
    ],
    'expected on, off, or scope with the name of a scope',
  )
  .optional()
  .describe(
    'The page at /. on: decisions are explained to every caller; off in production (NODE_ENV), and where other machines reach the gateway (HOST); otherwise on',
  )
