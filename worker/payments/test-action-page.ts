/** What `action.url` of `tok_requires_action` shows: the place of a bank's confirmation page, with its two ways out. */
export function testActionPage(paymentId: string): string {
  // The id is checked to be one of ours (letters, digits, dots and underscores) before it comes here.
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Holdfast: test payment</title>
<style>body{font:16px/1.5 system-ui;max-width:36rem;margin:3rem auto;padding:0 1rem}code{overflow-wrap:anywhere}
button{font:inherit;padding:.5rem 1rem;margin-right:.5rem}</style>
<h1>Confirm this test payment</h1>
<p>A real provider would ask the shopper for a second factor here. Choose how it ends; the button sends the
notification that the provider would send:</p>
<p><code>POST /v1/payments/test/webhook</code></p>
<p><button data-outcome="succeeded">Confirm</button><button data-outcome="failed">Refuse</button></p>
<p>Payment <code>${paymentId}</code></p>
<p role="status"></p>
<script>
const eventId = 'test-page-' + Date.now()
for (const button of document.querySelectorAll('button')) button.onclick = async () => {
  const answer = await fetch('/v1/payments/test/webhook', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ eventId: eventId + button.dataset.outcome, paymentId: ${JSON.stringify(paymentId)}, outcome: button.dataset.outcome }),
  })
  document.querySelector('[role=status]').textContent = answer.ok
    ? 'Sent. The cart names its order now, or is open again.'
    : 'The answer was ' + answer.status + '.'
}
</script></html>`
}
