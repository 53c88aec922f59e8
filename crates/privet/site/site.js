// What the page does beside playing: shows what the edge says to the expired link, and copies the template.
'use strict';
const source = document.querySelector('#expired source[type="video/mp4"]');
const answer = document.getElementById('expired-answer');
fetch(source.src, { headers: { Range: 'bytes=0-0' } })
  .then(async (response) => {
    const text = await response.text();
    const message = /<Message>([^<]*)<\/Message>/.exec(text);
    answer.textContent = `${response.status} ${message ? message[1] : ''}`;
  })
  .catch((error) => { answer.textContent = String(error); });

const button = document.getElementById('copy');
button.addEventListener('click', async () => {
  await navigator.clipboard.writeText(document.getElementById('template').textContent);
  button.textContent = 'Copied';
});
