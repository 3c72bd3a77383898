import { connect, type Socket } from 'node:net'

/** A disk that is busy elsewhere has kept answers for ten seconds; one that takes longer will not come. */
const ANSWER_WITHIN_MS = 60_000

export interface Answer {
  status: number
  body: string
}

/**
 * One connection, kept open, with one request at a time. Node's own HTTP client costs as much processor time as the server
 * needs for its answer, and on a machine with few cores that would be measured along.
 */
export class Wire {
  readonly #socket: Socket
  #received = ''
  #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    // Bodies are ASCII, so characters count as bytes.
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#take(text))
    socket.on('error', (error) => this.#fail(error))
    socket.on('timeout', () => this.#waiting && socket.destroy(new Error('no answer')))
    socket.setTimeout(ANSWER_WITHIN_MS)
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  static open(port: number): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.off('error', reject)
        resolve(new Wire(socket))
      })
      socket.once('error', reject)
    })
  }

  ask(method: 'GET' | 'POST', path: string, body = ''): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject: (cause) => reject(new Error(`${path} was not answered`, { cause })) }
      const head = `${method} ${path} HTTP/1.1\r\nhost: bench\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`
      this.#socket.write(head + body)
    })
  }

  close(): void {
    this.#waiting = null
    this.#socket.destroy()
  }

  #take(text: string): void {
    this.#received += text
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd === -1) return
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#received.slice(0, headEnd))?.[1]
    // Without one the end of the answer is not known: then the wait for it fails with the connection.
    if (length === undefined) {
      this.#socket.destroy(new Error('an answer of unknown length'))
      return
    }
    const end = headEnd + 4 + Number(length)
    if (this.#received.length < end) return
    const answer = {
      status: Number(this.#received.slice(9, 12)),
      body: this.#received.slice(headEnd + 4, end),
    }
    this.#received = this.#received.slice(end)
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.resolve(answer)
  }

  #fail(error: Error): void {
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.reject(error)
  }
}
