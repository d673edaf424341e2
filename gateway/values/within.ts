/** Returns the value, or rejects when it is not there in that many milliseconds: "no decision within 5 ms". */
export async function within<Value>(
  timeout: number,
  value: Promise<Value>,
  what: string,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${timeout} ms`)), timeout)
  })
  return Promise.race([value, late]).finally(() => clearTimeout(timer))
}
