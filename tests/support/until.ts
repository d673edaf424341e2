/** Returns the first result that is neither undefined nor false; gives up with an error. */
export async function until<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  { atMost = 20_000, pause = 20 } = {},
): Promise<T> {
  const deadline = Date.now() + atMost
  for (;;) {
    const result = await condition()
    if (result !== undefined && result !== false) return result
    if (Date.now() > deadline) throw new Error(`still waiting after ${atMost} ms: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}
