/**
 * One command at a time. The input gate opens at every await on another object, so without this two concurrent line
 * changes were seen to end with 5 units in the cart and 2 held in stock. Reads do not queue.
 */
export class CommandQueue {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(command: () => Promise<T>): Promise<T> {
    const result = this.#last.then(command)
    // A command that throws is its caller's to see; the next one runs all the same.
    this.#last = result.catch(() => {})
    return result
  }
}
