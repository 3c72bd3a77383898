import { describe, expect, test } from 'vitest'
import { judgeAddress } from '../../../durable-objects/webhook-endpoint/address-policy.ts'

const deployed = (url: string) => judgeAddress(url, false).ok
const local = (url: string) => judgeAddress(url, true).ok

describe('a deployed build calls public https hosts by name', () => {
  test.each([
    'https://partner.example.com/hooks?key=a%20b#c',
    'https://partner.example.com:443/',
    'https://partner.example.com:8443/hooks',
    'https://xn--mnchen-3ya.example/hooks',
    'https://München.example/hooks',
    'https://a.b.c.d.example.co.uk/x',
    'https://localhost.example.com/',
    'https://127.0.0.1.nip.example/',
  ])('%s is called', (url) => expect(deployed(url)).toBe(true))
})

describe('and nothing else', () => {
  test.each([
    ['', 'empty'],
    ['partner.example.com/hooks', 'not absolute'],
    ['//partner.example.com/hooks', 'not absolute'],
    ['http://partner.example.com/hooks', 'not https'],
    ['ftp://partner.example.com/', 'not https'],
    ['javascript:alert(1)', 'not https'],
    ['file:///etc/passwd', 'not https'],
    ['https://partner.example.com:80/', 'port'],
    ['https://partner.example.com:22/', 'port'],
    ['https://partner.example.com:6379/', 'port'],
    ['https://user@partner.example.com/', 'credentials'],
    ['https://user:pass@partner.example.com/', 'credentials'],
    ['https://partner.example.com@10.0.0.1/', 'credentials before an address'],
    ['https://10.0.0.1/', 'IPv4'],
    ['https://127.0.0.1/', 'loopback'],
    ['https://127.1/', 'short IPv4'],
    ['https://2130706433/', 'IPv4 as one number'],
    ['https://0x7f000001/', 'IPv4 in hex'],
    ['https://0177.0.0.1/', 'IPv4 in octal'],
    ['https://0x7f.1/', 'IPv4 mixed'],
    ['https://１２７.0.0.1/', 'full-width digits'],
    ['https://127。0。0。1/', 'ideographic dots'],
    ['https://169.254.169.254/latest/meta-data', 'metadata'],
    ['https://8.8.8.8/', 'even a public one'],
    ['https://[::1]/', 'IPv6'],
    ['https://[::ffff:127.0.0.1]/', 'IPv4 mapped'],
    ['https://[fd00::1]/', 'IPv6 private'],
    ['https://[2606:4700::1111]/', 'IPv6 public'],
    ['https://localhost/', 'localhost'],
    ['https://LOCALHOST/', 'localhost in capitals'],
    ['https://localhost./', 'trailing dot'],
    ['https://partner.example.com./', 'trailing dot'],
    ['https://api.localhost/', 'a name below localhost'],
    ['https://printer.local/', 'mDNS'],
    ['https://metadata.google.internal/', '.internal'],
    ['https://router.home.arpa/', 'home network'],
    ['https://intranet/', 'no domain'],
    ['https://db/', 'no domain'],
    ['https://x.onion/', 'onion'],
    ['https://partner.example.com/a b', 'a space'],
    ['https://partner.example.com/\u0000', 'NUL'],
    ['https://par\ttner.example.com/', 'a tab, which URL parsers drop'],
    ['https://partner.example.com\n/', 'a newline'],
    [`https://partner.example.com/${'x'.repeat(2_000)}`, 'too long'],
    ['https://%31%32%37.0.0.1/', 'an address in percent escapes'],
    ['https://ex_ample..com/', 'an empty label'],
    ['http://localhost:3000/', 'loopback is for local servers'],
  ])('%s is refused (%s)', (url) => expect(deployed(url)).toBe(false))
})

describe('a local server also calls receivers on the same machine', () => {
  test.each([
    'http://localhost:9999/hooks',
    'http://127.0.0.1:1234/',
    'http://127.9.9.9/',
    'https://localhost:8443/',
    'http://[::1]:9999/',
  ])('%s is called', (url) => expect(local(url)).toBe(true))

  test.each([
    'http://10.0.0.1/',
    'http://localhost.example.com/',
    'http://0.0.0.0:9999/',
    'ftp://localhost/',
    'http://user@localhost/',
    'http://192.168.1.1/',
    'http://[::ffff:127.0.0.1]/',
  ])('%s is not', (url) => expect(local(url)).toBe(false))
})
