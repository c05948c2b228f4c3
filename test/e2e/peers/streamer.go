// Posts bodies of unknown length with trailers, one after another, and reads the answers with
// their trailers. Words: the URL, how many. Prints one JSON line.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"strconv"
)

type answer struct {
	Status  int         `json:"status"`
	Proto   string      `json:"proto"`
	Length  int64       `json:"length"`
	Body    string      `json:"body"`
	Trailer http.Header `json:"trailer"`
	Reused  bool        `json:"reused"`
}

func post(client *http.Client, url string, number int) (*answer, error) {
	reader, writer := io.Pipe()
	request, err := http.NewRequest("POST", url, reader)
	if err != nil {
		return nil, err
	}
	request.Trailer = http.Header{"X-Pieces": nil}
	result := &answer{}
	trace := &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { result.Reused = info.Reused },
	}
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), trace))
	go func() {
		for piece := 0; piece <= number; piece++ {
			fmt.Fprintf(writer, "piece %d of %d\n", piece, number)
		}
		request.Trailer.Set("X-Pieces", strconv.Itoa(number+1))
		writer.Close()
	}()
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	result.Status = response.StatusCode
	result.Proto = response.Proto
	result.Length = response.ContentLength
	result.Body = string(body)
	// Only now, after the body, are the trailers there.
	result.Trailer = response.Trailer
	return result, nil
}

func main() {
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil}}
	answers := []*answer{}
	for number := 0; number < count; number++ {
		one, err := post(client, os.Args[1], number)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answers = append(answers, one)
	}
	json.NewEncoder(os.Stdout).Encode(answers)
}
