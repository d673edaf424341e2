import { z } from 'zod'

/** A part of all requests, from none to all of them; digits also as text. */
function part() {
  const message = 'expected a number from 0 to 1, such as 0.1'
  return z
    .union([z.number(), z.string().regex(/^\d+(\.\d+)?$/, message)], message)
    .transform(Number)
    .refine((value) => value >= 0 && value <= 1, { message })
}

/** `telemetry:` of gateway.yaml: what the gateway reports about single requests. */
export const telemetrySchema = z
  .strictObject({
    access_log: z
      .strictObject({
        sample: part()
          .default(0.1)
          .describe('The part of the successful requests that is logged: 0.1 is one of ten'),
        errors: part()
          .default(1)
          .describe('The part of all other requests that is logged: those with errors or denials'),
      })
      .prefault({})
      .describe('One line of JSON per sampled request on standard output; both 0: none'),
  })
  .prefault({})
  .transform(({ access_log }) => ({ accessLog: access_log }))
