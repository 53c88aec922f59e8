// What the page does beside playing: shows what the edge says to the expired link, tells the time here, names the players,
// and copies the template.
'use strict';
const source = document.querySelector('#expired source[type="video/mp4"]');
const answer = document.getElementById('expired-answer');
fetch(source.src, { headers: { Range: 'bytes=0-0' } })
  .then(async (response) => {
    const text = await response.text();
    const message = /<Message>([^<]*)<\/Message>/.exec(text);
    answer.textContent = `${response.status} ${message ? message[1] : ''}`;
    // Otherwise the player looks for a while, and then guesses.
    if (!response.ok) {
      videojs('expired').error(`The edge refuses it: ${answer.textContent}`);
    }
  })
  .catch((error) => { answer.textContent = String(error); });

const until = document.querySelector('time');
const end = new Date(until.dateTime);
if (!Number.isNaN(end.getTime())) {
  until.textContent = end.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' });
}

for (const [id, name] of [['private', 'Private film'], ['expired', 'Expired film'], ['open', 'Open film']]) {
  videojs(id).ready(function nameIt() { this.el().setAttribute('aria-label', name); });
}

const copied = document.getElementById('copied');
document.getElementById('copy').addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(document.getElementById('template').textContent);
    copied.textContent = 'Copied';
  } catch (error) {
    copied.textContent = 'The browser does not let the page copy: select the text below';
  }
});
