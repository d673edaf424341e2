import { expect, test } from '@jest/globals'
import { RequestSignal } from '../../gateway/http/request-signal.ts'
import { sharedPlanning } from '../../gateway/planning/shared-planning.ts'

const unavailable = { reason: 'SERVICE_UNAVAILABLE' }

test('a request that ends does not wait any longer, and the others get the plan', async () => {
  let finish = (_value: string) => {}
  let abandoned: AbortSignal | undefined
  const planning = sharedPlanning((signal) => {
    abandoned = signal
    return new Promise<string>((resolve) => (finish = resolve))
  })
  const [leaving, staying] = [new RequestSignal(), new RequestSignal()]
  const outcomes = [planning.wait(leaving), planning.wait(staying)]
  leaving.abort()
  await expect(outcomes[0]).rejects.toMatchObject(unavailable)
  expect(abandoned!.aborted).toBe(false)
  finish('plan')
  expect(await outcomes[1]).toBe('plan')
})

test('planning that no request waits for any longer is abandoned', async () => {
  let abandoned: AbortSignal | undefined
  const planning = sharedPlanning((signal) => {
    abandoned = signal
    return new Promise<string>((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(new Error('abandoned'))),
    )
  })
  const gone = new RequestSignal()
  const [first, second] = [new RequestSignal(), gone]
  gone.abort()
  const outcome = planning.wait(first)
  await expect(planning.wait(second)).rejects.toMatchObject(unavailable)
  expect(abandoned!.aborted).toBe(false)
  first.abort()
  await expect(outcome).rejects.toMatchObject(unavailable)
  expect(abandoned!.aborted).toBe(true)
})
